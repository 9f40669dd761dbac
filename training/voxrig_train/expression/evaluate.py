"""How well the expression network does what its teacher does, on speakers and sentences held out.

    python -m voxrig_train.expression.evaluate data/expression runs/expression.pt --twin runs/twin.pt
        --pack service/voxrig/packs/expression --people EMODB --json quality.json

All but the probes on people is measured on the synthetic teacher: it tells whether the network learnt
what we designed, not whether people would make these faces. Speech curves come from the pack ``live``,
the teacher's from the phones. The twin was trained alike but without correlation losses.

C error        || C - C_teacher || / || C_teacher ||, correlations of eleven regions, full intensity
LVE            mean over frames of the largest squared error of a lip vertex on our own head, mm²
shuffled LVE   the same with another clip's sound and speech, against the clip's own
upper std      deviation of the upper regions, over the teacher's
level rho      Spearman, intensity asked for in 11 steps against what shows along the emotion
closures       p b m whose lips shut without emotion and still do
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from voxrig_train.expression import world
from voxrig_train.expression.cost import cost
from voxrig_train.expression.export import load
from voxrig_train.expression.measures import clips_of, measure_faces, measure_levels, measure_speech
from voxrig_train.expression.network import EMOTIONS, multiply_adds
from voxrig_train.expression.probes import probe_people, probe_world


def show(report: dict[str, Any]) -> None:
    """Prints the table."""
    ours, twin = report["expression"], report.get("twin")
    print("measured on the synthetic teacher, speakers and sentences held out, speech by the pack live")
    print(f"{report['clips']} clips, {report['speakers']} speakers")
    print(f"{report['multiply_adds']} multiply-adds a hop of 20 ms\n")
    head = (
        "emotion",
        "C error",
        "twin",
        "upper std",
        "level rho",
        "shuffled",
        "monotone",
        "closures",
        "LMD +",
    )
    print("  ".join(f"{h:>11}" for h in head))
    for e in EMOTIONS:
        cells = [ours["c_error"][e], twin["c_error"][e] if twin else float("nan"), ours["upper_std"][e]]
        cells += [report["levels"][k][e] for k in ("level_rho", "level_rho_shuffled", "monotone")]
        cells += [report["speech"]["closures"][e], report["speech"]["lmd_change"][e]]
        print("  ".join([f"{e:>11}", *(f"{c:11.3f}" for c in cells)]))
    for name, side in (("expression", ours), ("twin", twin)):
        if side:
            five, ten = side["identified_of_5"], side["identified_of_10"]
            print(f"\n{name}: C error {side['c_error_mean']:.3f}; emotions named {five} of 5, {ten} of 10")
            print(f"  LVE {side['lve']:.2f} mm²; {side['lve_shuffled_ratio']:.1f} times that of another clip")
            told = side["lve_own_speech"], side["lve_other_sound_ratio"]
            print(f"  over its own speech {told[0]:.3f} mm²; with another sound alone {told[1]:.1f} times")
    print(f"\nmean miss of a level {report['levels']['level_miss']:.3f}; LMD without emotion", end=" ")
    print(f"{report['speech']['lmd_neutral']:.2f} mm; {report['speech']['closures_counted']} closures")
    for name, p in report["probes"].items():
        print(f"probe, {name}: code {p['code']:.3f}, curves {p['raw']:.3f}, chance {p['chance']:.3f}")
    for row in report.get("cost", []):
        speech, more, kept = 1000 * row["speech"], 1000 * row["expression"], row["kept"]
        print(f"{row['batch']} streams: speech {speech:.2f} ms, expression {more:.2f} ms; kept {kept:.2f}")


def summary(report: dict[str, Any]) -> dict[str, Any]:
    """What the card tells."""
    ours, levels, speech = report["expression"], report["levels"], report["speech"]
    return {
        "on": f"{report['on']}; {report['clips']} clips, {report['speakers']} speakers",
        "c_error": round(ours["c_error_mean"], 3),
        "identified_of_10": ours["identified_of_10"],
        "lve_mm2": round(ours["lve"], 2),
        "upper_std": round(float(np.mean(list(ours["upper_std"].values()))), 3),
        "level_rho": round(min(levels["level_rho"].values()), 3),
        "closures": round(min(speech["closures"].values()), 3),
        "lmd_change": round(max(speech["lmd_change"].values()), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.expression.evaluate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("world", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--twin", type=Path)
    parser.add_argument("--pack", type=Path, help="to time")
    parser.add_argument("--people", type=Path, help="folder of EmoDB, for a probe on people")
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--level-clips", type=int, default=12)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    network = load(args.checkpoint)[0]
    items = world.read(args.world)
    clips = clips_of(items, args.clips)
    report: dict[str, Any] = {
        "on": "the synthetic teacher; speakers and sentences held out",
        "clips": len(clips),
        "speakers": len({c.item.row.speaker for c in clips}),
        "multiply_adds": multiply_adds(network),
        "expression": measure_faces(network, clips),
        "levels": measure_levels(network, clips[:: max(1, len(clips) // args.level_clips)]),
        "speech": measure_speech(network, clips),
        "probes": {k: asdict(p) for k, p in probe_world(network, items).items()},
    }
    if args.twin:
        report["twin"] = measure_faces(load(args.twin)[0], clips)
    if args.people:
        report["probes"] |= {f"people, {k}": asdict(p) for k, p in probe_people(network, args.people).items()}
    if args.pack:
        report["cost"] = [asdict(c) | {"kept": c.kept} for c in (cost(args.pack, b) for b in (1, 16, 64))]
    report["quality"] = summary(report)
    show(report)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
