// Package credential finds AWS credentials. It keeps what goes wrong with getting AWS credentials apart from what
// goes wrong with a call, and the secrets of a helper program out of error messages.
package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/smithy-go/logging"
)

// Settings say where credentials and a Region come from; empty ones leave it to the
// environment and the shared configuration, as the AWS CLI does.
type Settings struct {
	Profile string // of the shared configuration
	Region  string
	For     string // what they are for, in messages; "" is everything
}

// Load finds credentials and a Region, and has the first credentials. The error says what
// to do.
func Load(ctx context.Context, s Settings, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	const hint = "sign in, for instance with aws login or aws sso login, or name a --profile"
	purpose := s.For
	if purpose != "" {
		purpose = " for " + purpose
	}
	c, err := config.LoadDefaultConfig(ctx, append([]func(*config.LoadOptions) error{
		config.WithSharedConfigProfile(s.Profile), config.WithRegion(s.Region), config.WithAppID("rootkeep"), config.WithLogger(logging.Nop{}),
	}, options...)...)
	switch {
	case err != nil:
		return c, fmt.Errorf("read the AWS configuration: %w; hint: aws configure list-profiles", err)
	case c.Region == "":
		return c, fmt.Errorf("no AWS Region is set%s; hint: --region us-east-1, or a region in the profile", purpose)
	}
	c.Credentials = Guard(c.Credentials)
	if c.Credentials == nil {
		return c, fmt.Errorf("no AWS credentials%s are configured; hint: %s", purpose, hint)
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return c, Hint(fmt.Errorf("no AWS credentials%s: %w", purpose, err), hint)
	}
	return c, nil
}

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
