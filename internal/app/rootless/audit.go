package rootless

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/change"
)

// Audit asks in a root session of the audit task what the root user of a member has. What
// is refused makes it unknown; other errors are the caller's.
func Audit(ctx context.Context, r change.Reader, account rootkeep.AccountID, region string, now time.Time) (Holding, error) {
	h := Holding{Account: account, At: now.UTC().Truncate(time.Microsecond)}
	ask := func(operation string) (map[string]any, error) {
		return r.Read(ctx, change.Call{Operation: operation, Account: account, Region: region, Root: change.Audit, With: map[string]any{}})
	}
	for _, part := range []struct {
		operation string
		take      func(map[string]any) error
	}{
		{"iam:GetLoginProfile", func(map[string]any) error { h.Password = true; return nil }},
		{"iam:ListAccessKeys", func(got map[string]any) (err error) { h.Keys, err = length(got, "AccessKeyMetadata"); return err }},
		{"iam:ListSigningCertificates", func(got map[string]any) (err error) { h.Certificates, err = length(got, "Certificates"); return err }},
		{"iam:ListMFADevices", func(got map[string]any) (err error) { h.Devices, err = length(got, "MFADevices"); return err }},
	} {
		got, err := ask(part.operation)
		var refusal *change.Refusal
		switch {
		case errors.As(err, &refusal) && refusal.Code == "NoSuchEntity" && part.operation == "iam:GetLoginProfile":
			continue
		case ctx.Err() != nil:
			return h, ctx.Err()
		case err != nil:
			h.Unknown = err.Error()
			return h, nil
		}
		if err := part.take(got); err != nil {
			return h, fmt.Errorf("%s of %s: %w", part.operation, account, err)
		}
	}
	return h, nil
}

// length is how long a list of an answer is. One that is not there is not an empty one.
func length(got map[string]any, name string) (int, error) {
	list, ok := got[name].([]any)
	if !ok {
		return 0, fmt.Errorf("an answer without %s", name)
	}
	return len(list), nil
}
