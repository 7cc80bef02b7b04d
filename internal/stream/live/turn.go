package live

import "context"

// Unfinished is the error of take for an object of which one turn did not read all. What was
// read of it is kept, or will be; its mark is not.
type Unfinished struct {
	// Next reads on for one more turn. It ends as take does; the mark is where the source goes on
	// once all of the object is kept. It is not called at the same time as take.
	Next func(ctx context.Context, mark []byte) error
	// Close leaves the object. Whoever reads it again begins at its start.
	Close func()
}

func (*Unfinished) Error() string { return "the turn of a large object is over" }
