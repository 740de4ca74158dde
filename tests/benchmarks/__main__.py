"""`make bench`: every part of the benchmarks, or those named: `make bench BENCH_ARGS="purge pages"`."""

import importlib
import sys

PARTS = ("endpoints", "variants", "purge", "pages", "scale")


def main(names: list[str]) -> None:
    """Run the named parts in sequence, by default all."""
    if unknown := sorted(set(names) - set(PARTS)):
        sys.exit(f"make bench: {', '.join(unknown)} is not one of {', '.join(PARTS)}")
    for name in names or PARTS:
        print(f"\n## {name.title()}\n", flush=True)
        importlib.import_module(f"tests.benchmarks.{name}").main()


main(sys.argv[1:])
