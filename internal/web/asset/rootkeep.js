// The console works without this module; it adds live updates, copying and questions.
