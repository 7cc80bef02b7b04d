package notify

import (
	"errors"
	"fmt"
	"log/slog"
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

// finalError is one that no further attempt would mend.
type finalError struct{ error }

// Unwrap gives the error.
func (f finalError) Unwrap() error { return f.error }

// Final marks an error that no further attempt would mend.
func Final(err error) error { return finalError{err} }

// IsFinal says whether an error was marked so.
func IsFinal(err error) bool { return errors.As(err, new(finalError)) }
