"""Builds the dbt project in the working directory and puts its artifacts into a folder.

    artifacts.py FOLDER [--tidy]

With --tidy they are as small as they can be and the same each time: dbt's own macros and documentation are left
out, times, ids and paths of the machine are replaced, and each entry stands on a line of its own.
"""
import json, os, pathlib, shutil, sys

from dbt.cli.main import dbtRunner

AT = "2026-03-02T06:00:00.000000Z"
NO_ID = "00000000-0000-0000-0000-000000000000"
# What each run writes anew, whatever it runs on.
FIXED = {
    "generated_at": AT, "invocation_started_at": AT, "run_started_at": AT, "snapshotted_at": AT,
    "started_at": AT, "completed_at": AT, "invocation_id": NO_ID, "user_id": None, "env": {}, "timing": [],
    "created_at": 1772431200.0, "execution_time": 0.0, "elapsed_time": 0.0, "max_loaded_at_time_ago_in_s": 0.0,
    "root_path": None, "args": {"which": "build"},
}


def dbt(*command):
    ended = dbtRunner().invoke(["--quiet", *command])
    # A source that is late is no failure of this program.
    if not ended.success and command[0] != "source":
        sys.exit(f"dbt {' '.join(command)}: {ended.exception or 'failed, see above'}")


def tidied(value):
    if isinstance(value, dict):
        return {key: FIXED[key] if key in FIXED else tidied(one) for key, one in value.items()}
    return [tidied(one) for one in value] if isinstance(value, list) else value


def own(manifest):
    project = manifest["metadata"]["project_name"]
    for section in ("macros", "docs"):
        entries = manifest[section].items()
        manifest[section] = {key: one for key, one in entries if one["package_name"] == project}
    for graph in ("parent_map", "child_map"):
        manifest[graph] = {key: sorted(ids) for key, ids in manifest[graph].items()}
    return manifest


def lines(artifact):
    """JSON with a line for each entry of a section; entries by name, as dbt finds files in the disk's order."""
    compact = lambda value: json.dumps(value, ensure_ascii=False)
    sections = []
    for name, section in artifact.items():
        text = compact(section)
        if isinstance(section, dict) and section and name != "metadata":
            entries = (f"{compact(key)}: {compact(one)}" for key, one in sorted(section.items()))
            text = "{\n" + ",\n".join(entries) + "\n}"
        elif isinstance(section, list) and section:
            entries = sorted(section, key=lambda one: one["unique_id"])
            text = "[\n" + ",\n".join(map(compact, entries)) + "\n]"
        sections.append(f"{compact(name)}: {text}")
    return "{\n" + ",\n".join(sections) + "\n}\n"


def main(folder, tidy):
    # dbt tells of errors on standard output.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    target = pathlib.Path("target")
    for command in (["seed"], ["build"], ["source", "freshness"], ["docs", "generate"]):
        dbt(*command)
        if command == ["build"]:
            # dbt docs generate writes another over it.
            shutil.copy(target / "run_results.json", "build_results.json")
    shutil.copy("build_results.json", target / "run_results.json")
    os.makedirs(folder, exist_ok=True)
    for name in ("manifest", "catalog", "run_results", "sources"):
        file = target / f"{name}.json"
        if not tidy:
            shutil.copy(file, folder)
            continue
        artifact = tidied(json.loads(file.read_text("utf-8")))
        if name == "manifest":
            artifact = own(artifact)
        (pathlib.Path(folder) / file.name).write_text(lines(artifact), "utf-8")


main(sys.argv[1], "--tidy" in sys.argv[2:])
