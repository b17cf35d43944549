"""What simulators share: faults, time, control API, forms and the look of their pages."""
