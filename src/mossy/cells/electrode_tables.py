"""The [working] and [counter] tables of a case file: kinetics, dead metal, nuclei, roughness, adlayer, galvanic."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StrictBool, model_validator

from mossy.cells.interphase_tables import InterphaseTable
from mossy.cells.tables import MolarEnergy
from mossy.errors import InputError
from mossy.tables import Table, default, subtable
from mossy.units import Quantity


class KineticsTable(Table):
    """Charge transfer at the metal, with its double layer."""

    law: Literal["butler_volmer", "marcus_hush_chidsey", "two_step"] = default("butler_volmer")
    exchange_current_density: Annotated[float, Quantity("A/m^2", minimum=0.0, exclusive=True)] = default("2 mA/cm^2")
    symmetry: Annotated[float, Quantity("1", minimum=0.01, maximum=0.99)] = default(0.5, "cathodic; Butler-Volmer only")
    reorganisation_energy: Annotated[float, MolarEnergy()] | None = default(
        None, "Marcus-Hush-Chidsey only; in eV or kJ/mol", validate_default=False
    )
    second_step_ratio: Annotated[float, Quantity("1", minimum=0.0, exclusive=True)] | None = default(
        None, "two_step only: exchange current of M+ -> M over that of M2+ -> M+", validate_default=False
    )
    double_layer_capacitance: Annotated[float, Quantity("F/m^2", minimum=0.0)] = default("10 uF/cm^2")

    @model_validator(mode="after")
    def _energy(self) -> KineticsTable:
        if self.law == "marcus_hush_chidsey" and self.reorganisation_energy is None:
            remedy = 'add reorganisation_energy = "0.22 eV"'
            raise InputError("Marcus-Hush-Chidsey needs a reorganisation energy", key="law", remedy=remedy)
        if self.law == "two_step" and self.second_step_ratio is None:
            remedy = "add second_step_ratio = 100 where the first electron is the slow one, 0.01 where the second is"
            raise InputError("two steps need their ratio", key="law", remedy=remedy)
        owners = {"second_step_ratio": "two_step", "reorganisation_energy": "marcus_hush_chidsey"}
        for key, law in owners.items():
            if getattr(self, key) is not None and self.law != law:
                remedy = f'write law = "{law}", or leave it out'
                raise InputError(f"the law '{self.law}' does not use it", key=key, remedy=remedy)
        return self


class DeadMetalTable(Table):
    """Metal that loses contact while it is stripped: dQ_dead/dt = f/(1 - f) J_strip - r Q_dead; efficiency is 1 - f."""

    isolated_fraction: Annotated[float, Quantity("1", minimum=0.0, maximum=0.999)] = default(0.0)
    reconnection_rate: Annotated[float, Quantity("1/s", minimum=0.0)] = default("0 1/s", "r, of dead metal")
    current_exponent: Annotated[float, Quantity("1", minimum=-4.0, maximum=4.0)] = default(
        0.0, "m: the fraction goes as (stripping current/reference)^m"
    )
    reference_current_density: Annotated[float, Quantity("A/m^2", minimum=0.0, exclusive=True)] = default("1 mA/cm^2")
    film_exponent: Annotated[float, Quantity("1", minimum=-4.0, maximum=4.0)] = default(
        0.0, "n: and as (film thickness/reference)^n"
    )
    reference_film_thickness: Annotated[float, Quantity("m", minimum=0.0, exclusive=True)] = default("5 nm")
    pressure: Annotated[float, Quantity("Pa", minimum=0.0)] = default(
        "0 kPa", "of the stack; the fraction falls with it"
    )
    pressure_scale: Annotated[float, Quantity("Pa", minimum=0.0, exclusive=True)] = default(
        "100 kPa", "p_0 in exp(-p/p_0)"
    )
    porosity: Annotated[float, Quantity("1", minimum=0.01, maximum=0.99)] = default(
        0.7, "of the layer that dead metal forms"
    )
    bruggeman: Annotated[float, Quantity("1", minimum=0.0, maximum=10.0)] = default(
        1.5, "the salt crosses that layer with porosity^bruggeman of its free transport"
    )
    buries: StrictBool = default(False, "the dead layer lies in the salt's way (planar cells)")
    root_radius: Annotated[float, Quantity("m", minimum=1e-10)] | None = default(
        None, "given: deposits come off at roots this thin, by surface diffusion", validate_default=False
    )
    surface_mobility: Annotated[float, Quantity("m^4/s", minimum=0.0)] = default("0 m^4/s", "B of Mullins")
    additive: str | None = default(None, "an additive that holds the isolated fraction down while it lasts")
    isolated_fraction_without_additive: Annotated[float, Quantity("1", minimum=0.0, maximum=0.999)] = default(
        0.0, "when that additive is gone"
    )

    @model_validator(mode="after")
    def _whole(self) -> DeadMetalTable:
        if self.additive is None and "isolated_fraction_without_additive" in self.model_fields_set:
            remedy = 'add additive = "FEC", or leave it out'
            raise InputError("no additive is named", key="isolated_fraction_without_additive", remedy=remedy)
        if self.root_radius is not None and self.surface_mobility == 0.0:
            problem = "without surface diffusion nothing comes off at its roots"
            raise InputError(problem, key="surface_mobility", remedy="give it, or leave root_radius out")
        return self


class NucleationTable(Table):
    """Metal on a foreign substrate begins as nuclei; see `mossy.laws.nucleation`."""

    rate_constant: Annotated[float, Quantity("1/s", minimum=0.0)] = default("100 1/s", "k before the barrier")
    site_density: Annotated[float, Quantity("1/m^2", minimum=0.0, exclusive=True)] = default("1e8 1/cm^2")
    reference_overpotential: Annotated[float, Quantity("V", minimum=0.0, exclusive=True)] = default("0.1 V")
    site_exponent: Annotated[float, Quantity("1", minimum=0.0, maximum=6.0)] = default(
        3, "the sites that wake go as (overpotential/reference)^this"
    )
    seed_radius: Annotated[float, Quantity("m", minimum=1e-10)] = default("5 nm", "with which a nucleus begins")
    surface_energy: Annotated[float, Quantity("J/m^2", minimum=0.0)] | None = default(
        None, "the metal's in the library", validate_default=False
    )
    wetting_factor: Annotated[float, Quantity("1", minimum=0.0, maximum=1.0)] = default(
        1e-3, "share of the barrier left by the substrate"
    )


class RoughnessTable(Table):
    """The true area grows as metal is plated and shrinks as it is stripped; all that the surface does goes with it."""

    roughening_length: Annotated[float, Quantity("m", minimum=1e-9)] = default(
        "10 um", "plated thickness per unit of area ratio"
    )
    smoothing_length: Annotated[float, Quantity("m", minimum=1e-9)] = default("10 um")
    largest: Annotated[float, Quantity("1", minimum=1.0, exclusive=True)] = default(10)


class AdlayerTable(Table):
    """What adsorbs on the metal and blocks it, or keeps it open; see `mossy.laws.adlayer`."""

    adsorption_rate: Annotated[float, Quantity("1/s", minimum=0.0)] = default(
        "0.01 1/s", "rate constant x concentration"
    )
    desorption_rate: Annotated[float, Quantity("1/s", minimum=0.0)] = default("0.001 1/s", "at rest")
    desorption_symmetry: Annotated[float, Quantity("1", minimum=-4.0, maximum=4.0)] = default(
        0.5, "s in exp(s F eta/RT): plating lifts the layer"
    )
    covered_activity: Annotated[float, Quantity("1", minimum=0.0)] = default(
        0.01, "exchange current of the covered part over the bare one"
    )
    initial_coverage: Annotated[float, Quantity("1", minimum=0.0, maximum=1.0)] = default(0.0)
    additive: str | None = default(None, "whose share left multiplies the adsorption")


class GalvanicTable(Table):
    """Bare substrate in contact with the metal, on which a film grows with the metal's electrons."""

    area: Annotated[float, Quantity("1", minimum=0.0, exclusive=True)] = default(
        1.0, "of it per geometric area; with [nucleation], what nuclei do not cover of it"
    )
    interphase: InterphaseTable = subtable(InterphaseTable)


class ElectrodeTable(Table):
    """One electrode. A metal is 250 um thick where nothing is said, a substrate carries no metal."""

    metal_thickness: Annotated[float, Quantity("m", minimum=0.0)] | None = default(
        None, 'of metal at the start; "250 um" for a metal, "0 um" on a substrate', validate_default=False
    )
    initial_potential: Annotated[float, Quantity("V", minimum=-10.0, maximum=10.0)] = default(
        "1.5 V", "against the metal; only for a substrate without metal"
    )
    kinetics: KineticsTable = subtable(KineticsTable)
    interphase: InterphaseTable = subtable(InterphaseTable)
    dead_metal: DeadMetalTable = subtable(DeadMetalTable)
    nucleation: NucleationTable | None = default(
        None, "given: metal on a substrate begins as nuclei", validate_default=False
    )
    roughness: RoughnessTable | None = default(None, "given: the surface roughens", validate_default=False)
    adlayer: AdlayerTable | None = default(None, "given: something adsorbs", validate_default=False)
    galvanic: GalvanicTable | None = default(
        None, "given: bare substrate corrodes the metal it touches", validate_default=False
    )
