//! Hart state, CSR rules, traps, translation and the world switch
