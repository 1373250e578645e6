typedef int (*callback)(int value, void *state);
int library_enter(int depth, callback call, void *state);
int library_exit_by_table(int value);
