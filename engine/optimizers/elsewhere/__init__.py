"""Optimizers that are not PyTorch's own. Their classes are known by module and name; no library is imported."""

from engine.optimizers.elsewhere import (
    adabelief,
    adan,
    adopt,
    factored,
    lamb,
    lion,
    madgrad,
    nadamw,
    normed,
    projected,
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
    adopt.ADOPT,
    projected.ADAMP,
    projected.SGDP,
    factored.ADAFACTOR,
    schedule_free.ADAMW,
    schedule_free.SGD,
)
