"""Optimizers that are not PyTorch's own. Their classes are known by module and name; no library is imported."""

from engine.optimizers.elsewhere import (
    adabelief,
    adan,
    factored,
    lamb,
    lion,
    madgrad,
    nadamw,
    normed,
    rmsprop_tf,
    schedule_free,
    sgdw,
)

ALL = (
    lion.LION,
    lion.LION_PYTORCH,
    lamb.LAMB,
    adan.ADAN,
    adabelief.ADABELIEF,
    rmsprop_tf.RMSPROP_TF,
    sgdw.SGDW,
    sgdw.LARS,
    nadamw.NADAMW,
    normed.LAPROP,
    normed.NOVOGRAD,
    madgrad.MADGRAD,
    factored.ADAFACTOR,
    schedule_free.ADAMW,
    schedule_free.SGD,
)
