# SPDX-License-Identifier: MIT
"""figures: medians, spreads and ratios of what the rounds have measured."""

import statistics


def spread(values):
    return {"median": statistics.median(values), "lowest": min(values),
            "highest": max(values)}


def column(samples, field):
    """The values of one field, in the order of the rounds."""
    return [sample[field] for sample in samples]


def ratios(samples, base, field):
    """Each round's ratio to what the base needed in the same round."""
    return [sample[field] / under[field]
            for sample, under in zip(samples, base) if under[field]]


def differences(samples, base, field):
    return [sample[field] - under[field]
            for sample, under in zip(samples, base)]
