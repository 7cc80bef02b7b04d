package awsread

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// role is a role that is entered with the credentials of another reader. It is an
// aws.CredentialsProvider: a session that ends before the reading does is renewed.
type role struct {
	from, to *reader
	session.Role
}

// entryError is that a role could not be entered.
type entryError struct {
	arn, caller string
	err         error
}

func (e *entryError) Unwrap() error { return e.err }

func (e *entryError) Error() string {
	out := fmt.Sprintf("role %s cannot be entered: %s", e.arn, "sts:AssumeRole "+why(e.err))
	if call.Denied(e.err) {
		out += fmt.Sprintf("; hint: the role has to be there, its trust policy to allow sts:AssumeRole and sts:SetSourceIdentity with SC-* to %s, "+
			"whose own policies have to allow them too; --role, --external-id and --broker-role say how to enter", e.caller)
	}
	return out
}

// enter makes a reader of the account of a role, and asks for its first session.
func (r *reader) enter(ctx context.Context, c Config, arn, externalID, scan string) (*reader, error) {
	entered := session.Role{ARN: arn, ExternalID: externalID, Name: scan}
	account, err := entered.Account()
	if err != nil {
		return nil, fmt.Errorf("%q: %w", short(arn), err)
	}
	to := r.as(c, account, nil)
	to.aws.Credentials = aws.NewCredentialsCache(&role{r, to, entered}, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = session.RenewBefore })
	if _, err := to.aws.Credentials.Retrieve(ctx); err != nil {
		if e, ok := errors.AsType[*entryError](err); ok {
			return nil, e // without what the SDK says around it
		}
		return nil, err
	}
	return to, nil
}

// as makes a reader of another account, or of this one with other credentials.
func (r *reader) as(c Config, account rootkeep.AccountID, credentials aws.CredentialsProvider) *reader {
	to := newReader(c, 0, r.pace)
	to.account, to.aws = account, r.aws.Copy()
	to.aws.Credentials, to.aws.APIOptions = credentials, append(slices.Clip(r.options), to.paced)
	to.options, to.caller = r.options, r.caller
	return to
}

// Retrieve is of aws.CredentialsProvider.
func (e *role) Retrieve(ctx context.Context) (aws.Credentials, error) {
	start := e.from.config.Now().UTC()
	e.from.plan(1)
	out, err := session.Enter(ctx, e.from.place(e.from.aws.Region), e.Role)
	if err != nil {
		return aws.Credentials{}, &entryError{e.ARN, e.from.caller, err}
	}
	err = e.to.entered(facts.Session{
		Account: e.to.account, Role: e.ARN, AccessKey: aws.ToString(out.Credentials.AccessKeyId), SourceIdentity: aws.ToString(out.SourceIdentity),
		Start: start, End: aws.ToTime(out.Credentials.Expiration),
	})
	return session.Issued(out.Credentials, "AssumeRole"), err
}

// entered notes a session for the snapshot, and tells of it. It is not to be used after
// an error: nobody would know whose it was.
func (r *reader) entered(s facts.Session) error {
	r.mu.Lock()
	r.sessions = append(r.sessions, s)
	r.mu.Unlock()
	if r.config.entered == nil {
		return nil
	}
	return r.config.entered(s)
}

func (r *reader) entries() []facts.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sessions)
}
