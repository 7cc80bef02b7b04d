package facts_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/internal/facts"
)

func TestDeviceKind(t *testing.T) {
	for _, c := range []struct{ name, serial, want string }{
		{"an app", "arn:aws:iam::111122223333:mfa/ann", facts.Virtual},
		{"an app with a path", "arn:aws:iam::111122223333:mfa/team/ann", facts.Virtual},
		{"a security key", "arn:aws:iam::111122223333:u2f/user/ann/key-EXAMPLE", facts.FIDO},
		{"a phone number", "arn:aws:iam::111122223333:sms-mfa/ann", facts.SMS},
		{"a token", "GAHT12345678", facts.Hardware},
		{"in another partition", "arn:aws-us-gov:iam::111122223333:u2f/user/ann/k", facts.FIDO},
		{"a kind that is new", "arn:aws:iam::111122223333:palm/ann", facts.Other},
		{"half an ARN", "arn:aws:iam", facts.Other},
		{"nothing", "", facts.Other},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := facts.DeviceKind(c.serial); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
