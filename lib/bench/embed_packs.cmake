# cmake -DOUT=FILE -DPACKS=a.json;b.json -DFUNCTION=NAME -P embed_packs.cmake: the packs as C++ byte arrays (string
# literals have a length limit that packs may pass).
set(text "#include \"bench/pack/shipped.hpp\"\n\nnamespace stateutils::bench {\nnamespace {\n")
set(table "")
set(index 0)
foreach(pack IN LISTS PACKS)
  get_filename_component(name "${pack}" NAME_WE)
  file(READ "${pack}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR bytes "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," body "${hex}")
  string(APPEND text "constexpr char kPack${index}[] = {${body}};\n")
  string(APPEND table "    {\"${name}\", {kPack${index}, ${bytes}}},\n")
  math(EXPR index "${index} + 1")
endforeach()
string(APPEND text "constexpr ShippedPack kPacks[] = {\n${table}};\n}  // namespace\n\n"
  "std::span<const ShippedPack> ${FUNCTION}() { return kPacks; }\n\n}  // namespace stateutils::bench\n")
file(WRITE "${OUT}" "${text}")
