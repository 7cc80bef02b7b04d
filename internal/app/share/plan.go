package share

import "slices"

// view is who has what at a moment.
type view struct {
	processes []string // that live, sorted
	owners    []string // of each part; "" is nobody
}

// due is how many parts a process should have: as many as any other, or one more.
func (v *view) due(process string) int {
	rank := slices.Index(v.processes, process)
	if rank < 0 {
		return 0
	}
	n := len(v.owners) / len(v.processes)
	if rank < len(v.owners)%len(v.processes) {
		n++
	}
	return n
}

// step says which parts a process gives up, and which it tries to take. It takes only what
// nobody has: parts move when their owner lets go of them, or is dead.
func (v *view) step(process string) (leave, take []int) {
	var mine, free []int
	for part, owner := range v.owners {
		switch owner {
		case process:
			mine = append(mine, part)
		case "":
			free = append(free, part)
		}
	}
	due := v.due(process)
	if len(mine) > due {
		return mine[due:], nil
	}
	// Each begins elsewhere, so that several do not try for the same.
	begin := 0
	if len(free) > 0 {
		begin = slices.Index(v.processes, process) * len(free) / max(len(v.processes), 1)
	}
	for i := range min(due-len(mine), len(free)) {
		take = append(take, free[(begin+i)%len(free)])
	}
	slices.Sort(take) // all lock in one order
	return nil, take
}
