"""Peak fits against lmfit's, on a region where both have the same model, weights and minimum."""

from __future__ import annotations

import numpy as np
import pytest

from mossy.analysis.xps import fit_peaks
from xps_peaks_for_tests import noisy, region

models = pytest.importorskip("lmfit.models")
LINES = [(285.0, 20000.0), (286.6, 9000.0), (289.2, 5000.0)]
FWHM_OVER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))


def test_areas_positions_and_errors_are_lmfits() -> None:
    """Three Voigt lines of one width on a straight line: areas to 1e-3, errors (not scaled by chi squared) to 1 %."""
    energy, expected = region("C 1s", LINES, span=(280.0, 294.0))
    fit = fit_peaks(noisy("C 1s", energy, expected, 4), "a 285.0, b 286.6, c 289.2", "linear")
    model = models.LinearModel(prefix="line_")
    for name in "abc":
        model = model + models.VoigtModel(prefix=f"{name}_")
    parameters = model.make_params(line_slope=5.0, line_intercept=-500.0)
    for name, (position, area) in zip("abc", LINES, strict=True):
        parameters[f"{name}_center"].set(value=position + 0.1)
        parameters[f"{name}_amplitude"].set(value=0.7 * area)
        parameters[f"{name}_gamma"].set(value=0.5 * 0.0868, vary=False, expr="")
        parameters[f"{name}_sigma"].set(value=0.6, **({} if name == "a" else {"expr": "a_sigma"}))
    weights = 1.0 / np.sqrt(fit.modelled)
    theirs = model.fit(fit.measured, parameters, x=fit.energy, weights=weights, scale_covar=False)
    widen = np.sqrt(max(fit.reduced_chi_squared, 1.0))
    for name in "abc":
        mine, area, center = fit[name], theirs.params[f"{name}_amplitude"], theirs.params[f"{name}_center"]
        # both stop within about 1e-4 of a standard error; lmfit's covariance is by finite differences
        assert mine.area.value == pytest.approx(area.value, rel=1e-3)
        assert mine.position.value == pytest.approx(center.value, abs=1e-4)
        assert mine.area.standard_error / widen == pytest.approx(area.stderr, rel=1e-2)
        assert mine.position.standard_error / widen == pytest.approx(center.stderr, rel=1e-2)
    width = FWHM_OVER_SIGMA * theirs.params["a_sigma"].value
    assert fit["a"].gaussian_width.value == pytest.approx(width, abs=1e-4)
