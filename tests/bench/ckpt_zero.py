"""A ZeRO-1 checkpoint of two tensor-parallel and two data-parallel ranks, as DeepSpeed lays it out:

    ckpt_zero.py FOLDER LAYERS

The classes in its pickles are DeepSpeed's own, so that DeepSpeed's converter reads it.
"""

import math
import os
import sys
from collections import OrderedDict

import torch
from deepspeed.runtime.fp16.loss_scaler import LossScaler
from deepspeed.utils.tensor_fragment import fragment_address

TP, DP, TAG = 2, 2, "global_step7"
PATTERNS = {
    "universal_checkpoint_version": 0.2,
    "original_vocab_size": 16384,
    "vocabulary_parameter_patterns": ["word_embeddings.weight"],
    "pipeline_replicated_parameter_patterns": [],
    "tp_replicated_parameter_patterns": [r"layers\.\d+\.ln\.weight"],
    "parameter_to_average_patterns": [],
    "parameter_with_row_parallelism_patterns": [r"layers\.\d+\.dense\.weight"],
    "parameter_with_2_sub_params_cat_dim_0": [],
    "parameter_with_sub_params": [],
}


def shapes(layers):
    """Shapes on one rank: matrices are group 0, vectors group 1."""
    matrices, vectors = OrderedDict([("word_embeddings.weight", (8192, 2048))]), OrderedDict()
    for i in range(layers):
        matrices[f"layers.{i}.qkv.weight"] = (3072, 2048)
        matrices[f"layers.{i}.dense.weight"] = (2048, 1024)
        vectors[f"layers.{i}.ln.weight"] = (2048,)
    return [matrices, vectors]


def weights(groups, tp):
    values, seed = {}, 0
    for group in groups:
        for name, shape in group.items():
            seed += 1
            source = torch.Generator().manual_seed(seed if ".ln." in name else seed * 2 * TP + tp)
            values[name] = torch.randn(shape, generator=source) * 0.02
    return values


def slices(group, low, high):
    at, found = 0, OrderedDict()
    for name, shape in group.items():
        size = math.prod(shape)
        first, last = max(at, low), min(at + size, high)
        if first < last:
            found[name] = fragment_address(numel=last - first, start=first - low)
        at += size
    return found


def save_rank(folder, groups, tp):
    values = weights(groups, tp)
    model = {
        "module": OrderedDict((name, value.half()) for name, value in values.items()),
        "buffer_names": [],
        "param_shapes": [OrderedDict((k, torch.Size(v)) for k, v in g.items()) for g in groups],
        "frozen_param_shapes": None,
        "frozen_param_fragments": None,
        "shared_params": {},
        "universal_checkpoint_info": PATTERNS,
        "checkpoint_parallel_dimensions": {"pp_degree": 1, "tp_degree": TP},
        "ds_version": "0.18.0",
        "iteration": 7,
        "global_steps": 7,
        "args": None,
    }
    torch.save(model, f"{folder}/mp_rank_{tp:02}_model_states.pt")
    flat, paddings = [], []
    for group in groups:
        parts = [values[name].flatten() for name in group]
        paddings.append(-sum(part.numel() for part in parts) % (2 * DP))
        flat.append(torch.cat(parts + [torch.zeros(paddings[-1])]))
    for dp in range(DP):
        save_optimizer(folder, groups, flat, paddings, tp, dp)


def save_optimizer(folder, groups, flat, paddings, tp, dp):
    masters, states, maps = [], {}, []
    padding = [p if dp == DP - 1 else 0 for p in paddings]
    for g, values in enumerate(flat):
        size = values.numel() // DP
        part = values[dp * size : (dp + 1) * size]
        masters.append(part[: size - padding[g]].clone())
        states[g] = {"step": torch.tensor(7.0), "exp_avg": part * 0.5, "exp_avg_sq": part**2}
        maps.append(slices(groups[g], dp * size, (dp + 1) * size))
    optimizer = {
        "loss_scaler": LossScaler(1.0),
        "dynamic_loss_scale": False,
        "overflow": False,
        "clip_grad": 1.0,
        "base_optimizer_state": {
            "state": states,
            "param_groups": [{"lr": 1e-4, "step": 7, "params": [g]} for g in range(len(flat))],
        },
        "single_partition_of_fp32_groups": masters,
        "zero_stage": 1,
        "group_paddings": padding,
        "partition_count": [DP] * len(flat),
        "ds_version": "0.18.0",
        "param_slice_mappings": maps,
    }
    torch.save(
        {"optimizer_state_dict": optimizer, "ds_config": {}, "ds_version": "0.18.0"},
        f"{folder}/zero_pp_rank_{dp}_mp_rank_{tp:02}_optim_states.pt",
    )


def main():
    root, layers = sys.argv[1], int(sys.argv[2])
    os.makedirs(f"{root}/{TAG}", exist_ok=True)
    with open(f"{root}/latest", "w", encoding="ascii") as latest:
        latest.write(TAG)
    for tp in range(TP):
        save_rank(f"{root}/{TAG}", shapes(layers), tp)


main()
