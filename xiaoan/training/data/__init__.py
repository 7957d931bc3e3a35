"""What is learnt: pairs, where they come from, how they are split and checked."""
