"""Rigid fit of a scan to its nominal, its uncertainty, and the honesty gate (metrology §4, §5)."""


def warm_up() -> None:
    """Compile the kernels of this package ahead of their first use."""
    from appliance.alignment.warm import warm_up as compile_all

    compile_all()
