"""Runs of a job in which much goes wrong, and which are killed now and then."""

from helpers import until

REFUSALS = [
    {"do": "answer", "status": 503},
    {"do": "answer", "status": 429, "body": '{"status":429,"message":"slow down"}'},
    {"do": "cut"},
    {"do": "short"},
]


def run_in_trouble(tow, sandbox, rng, path, rounds, more=()):
    """Rounds in which requests to `path` fail by chance, and one of them is the last of its process.
    How many were killed; then nothing is wrong any more."""
    killed = 0
    for _ in range(rounds):
        rules = [{**rule, "path": path, "probability": 0.07, "seed": rng.randrange(1000)} for rule in REFUSALS]
        rules.append({"do": "hold", "name": "kill", "path": path, "point": rng.choice(["before", "after"]), "skip": rng.randrange(25), "times": 1})
        sandbox.faults([*rules, *more])
        process = tow.start("run", "job.cfg")
        until(lambda: process.poll() is not None or sandbox.held("kill"))
        killed += process.poll() is None
        process.kill()
        process.communicate(timeout=10)
        sandbox.release()
    sandbox.faults([])
    return killed
