"""The timers, which may be told to kill themselves too."""

import sys

from chaos_triage.moments import install

from saltern_runtime.timers import main

install()
sys.exit(main(["chaos_hostile"]))
