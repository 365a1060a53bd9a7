# Two runs under one host's memory: a static limit kills, a soft limit of the tool call waits.
printf 'model,task,t_s,mem_mb,cpu_pct\nm,a,0,100,1\nm,a,1,400,1\nm,a,2,100,1\nm,b,0,100,1\nm,b,1,300,1\nm,b,2,300,1\n' >memory
printf 'model,task,seq,tool,command,start_s,duration_s\nm,a,0,Bash,ls,-0.5,2.5\nm,b,0,Bash,ls,0,3\nm,gone,0,Bash,ls,0,3\n' >calls
kv-sim sandbox --host 1000MB --limit 350MB --policy static memory
kv-sim sandbox --host 450MB --limit 50MB --calls calls --policy tool memory
kv-sim sandbox --host 600MB --limit 500MB --policy static,history - <memory | jq -c '.policies[] | [.policy, .finished, .makespan_s]'
kv-sim sandbox --host 1GB --policy tool memory
echo "exit $?"
kv-sim sandbox --host 1GB --policy hope memory
echo "exit $?"
kv-sim sandbox --host 1GB --policy static calls
echo "exit $?"
