"""The expression model: a whole face that moves together with an emotion, learnt from a designed teacher."""
