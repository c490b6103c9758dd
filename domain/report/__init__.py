"""Reports: how the predictions of a model differ from the targets of some rows."""
