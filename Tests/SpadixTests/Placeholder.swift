// Filled with the module's first tests.
