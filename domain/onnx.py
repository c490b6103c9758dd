"""The message of an export to ONNX."""

from domain.contract import Contract


class ExportResult(Contract):
    """The ONNX file that was written, or the reason why there is none."""

    bytes: int = 0
    """Size of the file; 0 if none was written."""
    sha256: str | None = None
    """Hash of the file; None if none was written."""
    reason: str | None = None
    """Why the model cannot be converted; None if it was."""
