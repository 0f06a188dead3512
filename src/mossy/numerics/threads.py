"""One thread in the linear algebra beneath NumPy and SciPy, for as long as many small matrices are worked on.

A BLAS that splits a 100 x 100 product between cores waits longer for its threads than it computes: eight times slower
on two busy cores, measured on the distribution of relaxation times.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


@functools.cache
def _pools() -> Any:
    """The thread pools of the libraries loaded."""
    import scipy.linalg  # noqa: F401  so that SciPy's own library is among them
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_blas_thread(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """The function, run with one BLAS thread.

    >>> one_blas_thread(sum)([1, 2])
    3
    """

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        with _pools().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return run
