"""What a report measures: scores, curves, calibration, residuals."""
