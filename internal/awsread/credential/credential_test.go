package credential_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"

	"github.com/rootkeep/rootkeep/internal/awsread/credential"
)

// process is a cached provider that runs a shell command, as a profile makes it.
func process(command string) aws.CredentialsProvider {
	return aws.NewCredentialsCache(processcreds.NewProvider(command))
}

func TestNothingThatAHelperPrintsIsRepeated(t *testing.T) {
	for _, c := range []struct{ name, command string }{
		{"text that is no JSON", `echo 'SecretAccessKey=TOPSECRET'`},
		{"JSON that is cut", `echo '{"Version": 1, "SecretAccessKey": "TOPSECRET"'`},
		{"JSON of another version", `echo '{"Version": 2, "SecretAccessKey": "TOPSECRET"}'`},
		{"a program that fails", `echo TOPSECRET; exit 3`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := credential.Guard(process(c.command)).Retrieve(t.Context())
			for e := err; e != nil; e = errors.Unwrap(e) {
				if text := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(text, "TOPSECRET") {
					t.Errorf("the secret is in %s", text)
				}
			}
			if _, ok := errors.AsType[*credential.Error](err); !ok || !strings.Contains(err.Error(), "credential_process of the profile gave no credentials; hint: run it by hand") {
				t.Errorf("got %v, want that the credential_process failed", err)
			}
			if got := credential.Hint(err, "sign in"); strings.Count(got.Error(), "hint:") != 1 {
				t.Errorf("got %v, want one hint", got)
			}
		})
	}
}

func TestGuard(t *testing.T) {
	if credential.Guard(nil) != nil {
		t.Error("no provider: got one")
	}
	good, err := credential.Guard(process(`echo '{"Version": 1, "AccessKeyId": "AKIA1", "SecretAccessKey": "s"}'`)).Retrieve(t.Context())
	if err != nil || good.AccessKeyID != "AKIA1" {
		t.Errorf("got %v, %v, want the helper's key", good.AccessKeyID, err)
	}
	cause := errors.New("the portal is down")
	fails := credential.Guard(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, cause }))
	_, err = fails.Retrieve(t.Context())
	if _, ok := errors.AsType[*credential.Error](err); !ok || !errors.Is(err, cause) {
		t.Errorf("got %v, want its cause as an *Error", err)
	}
	if got := credential.Hint(err, "sign in").Error(); got != "the portal is down; hint: sign in" {
		t.Errorf("got %q", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err = fails.Retrieve(ctx)
	if _, ok := errors.AsType[*credential.Error](err); ok || err == nil {
		t.Errorf("an interrupted reading: got %v, want no *Error", err)
	}
}
