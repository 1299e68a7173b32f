"""Searches settings of `train` by Ray Tune with ASHA: the program is driven from outside, by its lines of JSON.

    pip install "ray[tune]"
    python tune_training.py --runs runs/tune --trials 8 --epochs 4 --settings '{"limit": 2000}'

Each trial is an ordinary run with a folder of its own, as of `train sweep`: one that fails or whose machine is lost goes on from its
last checkpoint, and one that ASHA stops has a checkpoint, too. docs/sweeps.md describes what is relied on here.
"""

import argparse
import json
import os
import pathlib
import shlex
import signal
import subprocess

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler


class Training(tune.Trainable):
    """A process of `train`. A step of Tune is an epoch."""

    def setup(self, config):
        fixed = config["fixed"]
        self.run = pathlib.Path(fixed["runs"]) / self.trial_id
        self.last = None
        if (self.run / "config.json").exists():
            # Another process has begun it, and died.
            arguments = ["--resume", str(self.run)]
            done = self.run / "metrics.jsonl"
            if done.exists() and (lines := done.read_text().splitlines()):
                self.last = self.result(json.loads(lines[-1])["test"], len(lines))
        else:
            self.run.mkdir(parents=True, exist_ok=True)
            settings = self.run / "settings.json"
            varied = {name: value for name, value in config.items() if name != "fixed"}
            settings.write_text(json.dumps({**fixed["settings"], **varied}))
            arguments = ["--config", str(settings), "--out", str(self.run)]
        command = [*fixed["train"], *arguments, "--json", "--threads", "1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def result(self, figures, epoch):
        return {"epoch": epoch, "loss": figures["loss"], "accuracy": figures["metrics"]["accuracy"]}

    def step(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["type"] == "evaluation":
                self.last = self.result(event, event["epoch"])
                return self.last
            if event["type"] == "finish":
                return {**self.last, "done": True}
            if event["type"] == "error":
                if event["code"] == "not-finite":
                    # It has diverged: that is a result, and the worst.
                    return {"epoch": self.iteration + 1, "loss": float("inf"), "accuracy": 0.0, "done": True}
                raise RuntimeError(event["message"])
        raise RuntimeError(f"the training's process ended with {self.process.wait()}")

    def cleanup(self):
        # Writes a checkpoint and ends.
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def save_checkpoint(self, checkpoint_dir):
        # The run's folder has it.
        return {}

    def load_checkpoint(self, checkpoint):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", default="npx --no-install bn-train", help="how the program is called")
    parser.add_argument("--runs", type=pathlib.Path, required=True, help="folder for the runs, which all machines have")
    parser.add_argument("--settings", default="{}", help="what all trials have, as JSON: the flags in camel case")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--gpus", type=float, default=0, help="of each trial; a part of one, too")
    parser.add_argument("--address", help="of a cluster; without it Ray starts here")
    options = parser.parse_args()
    if options.address:
        ray.init(address=options.address)
    else:
        ray.init(include_dashboard=False, object_store_memory=256 * 2**20, log_to_driver=False)
    fixed = {
        "train": shlex.split(options.train, posix=os.name != "nt"),
        "runs": str(options.runs.resolve()),
        "settings": {**json.loads(options.settings), "epochs": options.epochs},
    }
    space = {"fixed": fixed, "learningRate": tune.loguniform(0.01, 1), "momentum": tune.uniform(0, 0.9)}
    tuner = tune.Tuner(
        tune.with_resources(Training, {"cpu": 1, "gpu": options.gpus}),
        param_space=space,
        tune_config=tune.TuneConfig(
            num_samples=options.trials,
            scheduler=ASHAScheduler(
                time_attr="epoch", metric="accuracy", mode="max", max_t=options.epochs, grace_period=1, reduction_factor=2
            ),
        ),
        run_config=tune.RunConfig(
            storage_path=str(options.runs.resolve() / "ray"),
            failure_config=tune.FailureConfig(max_failures=3),
            verbose=0,
        ),
    )
    results = tuner.fit()
    trials = [
        {"run": result.metrics["trial_id"], "epochs": result.metrics["epoch"], "accuracy": result.metrics["accuracy"]}
        for result in results
        if result.error is None
    ]
    best = results.get_best_result(metric="accuracy", mode="max")
    settings = {name: value for name, value in best.config.items() if name != "fixed"}
    for trial in trials:
        print(json.dumps({"type": "trial", **trial}))
    print(json.dumps({"type": "best", "run": best.metrics["trial_id"], "settings": settings}))
    if len(trials) < options.trials:
        raise SystemExit(f"{options.trials - len(trials)} trials failed")


if __name__ == "__main__":
    main()
