// Package credential keeps what goes wrong with getting AWS credentials apart from what
// goes wrong with a call, and the secrets of a helper program out of error messages.
package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
)

// Error is that the credentials to begin with could not be had, or not renewed.
type Error struct{ err error }

func (e *Error) Error() string { return e.err.Error() }

func (e *Error) Unwrap() error { return e.err }

// errHelper stands for every error of a credential_process: the SDK's own repeats all
// that the program printed, which may be a key.
var errHelper = errors.New("credential_process of the profile gave no credentials; hint: run it by hand")

type guarded struct{ aws.CredentialsProvider }

// Guard makes all errors of a provider an *Error, but those of the context. A nil one
// stays nil.
func Guard(p aws.CredentialsProvider) aws.CredentialsProvider {
	if p == nil {
		return nil
	}
	return &guarded{p}
}

// Retrieve is of aws.CredentialsProvider.
func (g *guarded) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := g.CredentialsProvider.Retrieve(ctx)
	if err == nil {
		return c, nil
	}
	if _, ok := errors.AsType[*processcreds.ProviderError](err); ok {
		err = errHelper
	}
	if ctx.Err() != nil {
		return aws.Credentials{}, err // says nothing of the credentials
	}
	return aws.Credentials{}, &Error{err}
}

// Hint ends a message about credentials with what to do, unless its cause says that.
func Hint(err error, hint string) error {
	if errors.Is(err, errHelper) {
		return err
	}
	return fmt.Errorf("%w; hint: %s", err, hint)
}
