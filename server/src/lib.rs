//! The shell of Prescale: collect, store, execute, API and command line.
