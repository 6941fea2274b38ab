//! Real parts on this machine, brought up and torn down.
