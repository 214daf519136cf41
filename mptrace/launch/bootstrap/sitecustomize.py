"""Loads the agent by path, then runs the sitecustomize that would have been found without us. Python 2.7 must parse this."""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
if sys.version_info >= (3, 10) and os.environ.get("_MPTRACE_HOME") and os.environ.get("_MPTRACE_RUN"):
    try:
        _package = sys.modules["_mptrace"] = type(sys)("_mptrace")
        _package.__path__ = [os.environ["_MPTRACE_HOME"]]
        for _room in ("agent", "wire"):  # without a look into their __init__.py, which are empty
            _module = sys.modules["_mptrace." + _room] = type(sys)("_mptrace." + _room)
            _module.__path__ = [os.environ["_MPTRACE_HOME"] + "/" + _room]
            setattr(_package, _room, _module)
        from _mptrace.agent.boot import boot

        boot()
    except Exception:  # the guest's oath: the host starts whatever happens to us
        pass
sys.path[:] = [_entry for _entry in sys.path if os.path.abspath(_entry or ".") != _here or not _entry]
_me = sys.modules.pop("sitecustomize", None)
try:
    import sitecustomize  # the next one on the path: Debian, ddtrace and coverage each ship one
except ImportError as _error:
    if getattr(_error, "name", "sitecustomize") not in ("sitecustomize", None):
        raise
finally:
    sys.modules.setdefault("sitecustomize", _me)
