package store

import (
	"errors"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/store/fault"
)

// explained is an error with what a person can do about it.
type explained struct {
	err  error
	hint string
}

func (e *explained) Error() string { return fmt.Sprintf("%v: %s", e.err, e.hint) }
func (e *explained) Unwrap() error { return e.err }

// explain adds to an error of the database what it means, once.
func explain(err error) error { return (&Store{}).explainBy(err, err) }

// explainBy adds to the error of a change or of a reader what the statement that failed
// means. Without one the error is the caller's own, and stays as it is.
func (s *Store) explainBy(err, statement error) error {
	if err == nil || errors.As(err, new(*explained)) {
		return err
	}
	kind := classify(statement)
	hint := kind.Hint()
	if hint == "" {
		return err
	}
	if s.options.Serves {
		hint += kind.Onward()
	}
	return &explained{err, hint}
}

// classify tells what kind of fault an error is, those of this package with the others.
func classify(err error) fault.Kind {
	if errors.Is(err, errSilent) || errors.Is(err, errUnsettled) {
		return fault.Lost
	}
	return fault.Classify(err)
}

// Unavailable says whether an error means that the database does not answer now, and may
// soon. For a change it does not say that nothing was changed.
func Unavailable(err error) bool {
	return classify(err) == fault.Busy || classify(err) == fault.Lost
}
