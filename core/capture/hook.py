"""Run the operator's command that cuts and restores a camera's power, in a child with a deadline."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

from core.errors import ChildError
from core.text import safe

OUTPUT = 2000  # characters of what the command said that go into the transcript


class HookService:
    """The worker kind `hook`: one operation, `run`."""

    def handle(self, op: str, args: dict[str, Any], talk: object) -> dict[str, Any]:
        """Run args["argv"] (never through a shell) for at most args["seconds"]; return {"status", "said"}.

        Raise ChildError when it cannot be started or takes too long; it is killed with all that it started.
        """
        try:
            process = subprocess.Popen(
                args["argv"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        except OSError as error:
            raise ChildError(f"the hook {safe(args['argv'][0])} cannot be started: {error.strerror}") from error
        try:
            said, _ = process.communicate(timeout=args["seconds"])
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise ChildError(f"the hook took longer than {args['seconds']} s and was killed") from None
        return {"status": process.returncode, "said": safe(said.decode(errors="replace").strip(), OUTPUT)}

    def close(self) -> None:
        """Nothing is held."""
