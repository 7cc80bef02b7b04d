package notify

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Secret is a text that is used and never shown: it prints as redacted, and cannot be
// marshalled.
type Secret struct{ text string }

// NewSecret hides a text.
func NewSecret(text string) Secret { return Secret{text} }

// String does not tell it.
func (Secret) String() string { return "redacted" }

// GoString does not tell it either.
func (Secret) GoString() string { return "redacted" }

// Format does not tell it in any form.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("redacted")) } // as fmt's own verbs, which drop the error

// LogValue does not tell it to a log.
func (Secret) LogValue() slog.Value { return slog.StringValue("redacted") }

var errSecret = errors.New("a secret is not written")

// MarshalText refuses, and with it JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return nil, errSecret }

// shown is what of a text of the other side, which is hostile and may repeat what was
// sent, is told.
func shown(said string, hide *strings.Replacer) string {
	return text.Visible(strings.TrimSpace(hide.Replace(said)), mostShown)
}

// tellable is an error that may have such a text in it, as it is told.
func tellable(err error, hide *strings.Replacer) error {
	told := errors.New(shown(err.Error(), hide))
	if IsFinal(err) {
		return Final(told)
	}
	return told
}

// laterError is one after which the receiver wants to be left alone.
type laterError struct {
	error
	wait time.Duration
}

// Unwrap gives the error.
func (l laterError) Unwrap() error { return l.error }

func later(err error, wait time.Duration) error {
	if wait <= 0 {
		return err
	}
	return laterError{err, wait}
}

// Wait is how long the receiver asked to be left alone, 0 if it did not.
func Wait(err error) time.Duration {
	var l laterError
	if !errors.As(err, &l) {
		return 0
	}
	return l.wait
}

// finalError is one that no further attempt would mend.
type finalError struct{ error }

// Unwrap gives the error.
func (f finalError) Unwrap() error { return f.error }

// Final marks an error that no further attempt would mend.
func Final(err error) error { return finalError{err} }

// IsFinal says whether an error was marked so.
func IsFinal(err error) bool { return errors.As(err, new(finalError)) }
