"""Windows' registry: the names and sizes of graphics cards, for those that nothing else reports.

WMI's AdapterRAM stops at 4 GB; the driver writes the true size as qwMemorySize. The registry also
keeps cards that were taken out, so what it alone knows is believed less (see `merge`).
"""

import json
import sys

from app.hardware import names
from app.hardware.sighting import ProbeError, Sighting

_CLASS = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
_SIZES = ("HardwareInformation.qwMemorySize", "HardwareInformation.MemorySize")
_VALUES = ("DriverDesc", "ProviderName", "DriverVersion", "MatchingDeviceId", *_SIZES)
_PROCESSOR = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"


def ask_registry() -> str:
    """Return the display adapters' values by subkey ("0000"), as JSON; bytes as "hex:00f0".

    Raises ProbeError.
    """
    if sys.platform == "win32":
        import winreg

        found: dict[str, dict[str, str | int]] = {}
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _CLASS) as adapters:
            for at in range(winreg.QueryInfoKey(adapters)[0]):
                key = winreg.EnumKey(adapters, at)
                if not key.isdigit():
                    continue
                values = {}
                with winreg.OpenKey(adapters, key) as adapter:
                    for name in _VALUES:
                        try:
                            value, _ = winreg.QueryValueEx(adapter, name)
                        except FileNotFoundError:
                            continue
                        values[name] = f"hex:{value.hex()}" if isinstance(value, bytes) else value
                found[key] = values
        return json.dumps(found)
    raise ProbeError("there is no registry")


def registry(text: str) -> tuple[Sighting, ...]:
    """Read the JSON of `ask_registry`; virtual displays and painters in software are left out."""
    found = []
    for _, values in sorted(json.loads(text).items()):
        name = values.get("DriverDesc", "")
        vendor = _vendor(values.get("MatchingDeviceId", ""), name)
        if not vendor or names.is_software(name):
            continue
        integrated = names.integrated(name)
        found.append(
            Sighting(
                probe="registry",
                vendor=vendor,
                name=names.clean(name),
                # Of graphics inside a processor this is the firmware's share, which is no limit.
                total_bytes=None if integrated else _size(values),
                integrated=integrated,
                driver=values.get("DriverVersion", ""),
            )
        )
    return tuple(found)


def _vendor(device_id: str, name: str) -> str:
    codes = {"ven_10de": "NVIDIA", "ven_1002": "AMD", "ven_8086": "Intel"}
    by_code = next((maker for code, maker in codes.items() if code in device_id.lower()), "")
    return by_code or ("" if device_id else names.vendor_of(name))


def _size(values: dict[str, str | int]) -> int | None:
    """Return the size: a number, or bytes with the lowest first (as older drivers write it)."""
    for name in _SIZES:
        value = values.get(name, 0)
        if isinstance(value, str):
            value = int.from_bytes(bytes.fromhex(value.removeprefix("hex:")), "little")
        if value > 0:
            return value
    return None


def cpu_name() -> str:
    """Return the processor's name, "" where the registry has none."""
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _PROCESSOR) as key:
                return names.clean(str(winreg.QueryValueEx(key, "ProcessorNameString")[0]))
        except OSError:
            return ""
    return ""
