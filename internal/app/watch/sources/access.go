package sources

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/scanrole"
	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/bucket"
	logfile "github.com/rootkeep/rootkeep/internal/stream/live/object"
	"github.com/rootkeep/rootkeep/internal/stream/live/queue"
	"github.com/rootkeep/rootkeep/internal/watchrole"
)

// Access says with which credentials AWS is asked: those of the server, or of a
// broker, enter a role.
type Access struct {
	BrokerRole string `yaml:"broker_role"` // ARN of a role that is entered before all others
	ExternalID string `yaml:"external_id"`
	Profile    string `yaml:"profile"` // of the AWS configuration
}

// Queue is a queue that is told of log files, or of events.
type Queue struct {
	URL       string   `yaml:"url"`
	Region    string   `yaml:"region"`   // of the queue; that of the URL if empty
	Buckets   []string `yaml:"buckets"`  // of which objects are read, and of no other
	Accounts  []string `yaml:"accounts"` // whose objects and events are taken; all if empty
	Role      string   `yaml:"role"`     // its name in the queue's account; RootkeepWatch if empty
	Receivers int      `yaml:"receivers"`
	Access    `yaml:",inline"`
}

// Bucket is a bucket that is listed.
type Bucket struct {
	Name     string        `yaml:"name"`
	Prefix   string        `yaml:"prefix"`   // before AWSLogs
	Region   string        `yaml:"region"`   // of the bucket
	Account  string        `yaml:"account"`  // of the role; that of the server's credentials if empty
	Accounts []string      `yaml:"accounts"` // whose files are read; all if empty
	Role     string        `yaml:"role"`     // its name in the account; RootkeepWatch if empty
	Begin    rule.Duration `yaml:"begin"`    // how far back a new source begins: a day if empty
	Access   `yaml:",inline"`
}

// enter begins sessions of a role. The error is that there are no credentials to begin
// with.
func (a *Access) enter(ctx context.Context, role, region string, now func() time.Time) (*session.Sessions, *session.Base, error) {
	base, err := session.Open(ctx, session.Config{Profile: a.Profile, Region: region, Broker: a.BrokerRole, ExternalID: a.ExternalID, Now: now})
	if err != nil {
		return nil, nil, err
	}
	out, err := base.Begin(session.Entry{Role: role, Name: sessionName, Own: true})
	return out, base, err
}

// credentials are those of a role in an account, or in that of the server's credentials.
func (a *Access) credentials(account rootkeep.AccountID, role, region string, now func() time.Time) func(context.Context) (logfile.Credentials, error) {
	return func(ctx context.Context) (logfile.Credentials, error) {
		sessions, base, err := a.enter(ctx, cmp.Or(role, watchrole.Name), region, now)
		if err != nil {
			return nil, err
		}
		return logfile.Of(sessions, cmp.Or(account, base.Account())), nil
	}
}

func (q *Queue) open(name string, now func() time.Time) (live.Source, error) {
	account, err := queue.Account(q.URL)
	if err != nil {
		return nil, err
	}
	of, err := queue.Region(q.URL)
	if err != nil {
		return nil, err
	}
	taken, err := accounts(q.Accounts)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return queue.New(queue.Config{
		Name: name, URL: q.URL, Region: q.Region, Buckets: q.Buckets, Accounts: taken, Receivers: q.Receivers, Now: now,
		Open: q.credentials(account, q.Role, cmp.Or(q.Region, of), now),
	})
}

func (b *Bucket) open(name string, every time.Duration, now func() time.Time) (live.Source, error) {
	taken, err := accounts(b.Accounts)
	if err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	account := rootkeep.AccountID(b.Account)
	if _, err := rootkeep.ParseAccountID(b.Account); b.Account != "" && err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	return bucket.New(bucket.Config{
		Name: name, Bucket: b.Name, Prefix: b.Prefix, Region: b.Region, Accounts: taken, Every: every, Begin: time.Duration(b.Begin), Now: now,
		Open: b.credentials(account, b.Role, b.Region, now),
	})
}

func accounts(list []string) ([]rootkeep.AccountID, error) {
	var out []rootkeep.AccountID
	for _, text := range list {
		id, err := rootkeep.ParseAccountID(text)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// Role is what has to be allowed to the role of that name, of the sources that enter it.
func Role(sources []Config, name string) watchrole.Role {
	out := watchrole.Role{Name: name}
	entered := func(role, usual string) bool { return cmp.Or(role, usual) == cmp.Or(name, watchrole.Name) }
	for _, s := range sources {
		switch {
		case s.Queue != nil && entered(s.Queue.Role, watchrole.Name):
			out.Queue(s.Queue.URL, s.Queue.Region, s.Queue.Buckets)
		case s.Bucket != nil && entered(s.Bucket.Role, watchrole.Name):
			out.Bucket(s.Bucket.Name, s.Bucket.Prefix, s.Bucket.Region)
		case s.Lookup != nil && entered(s.Lookup.Role, scanrole.Name):
			out.Lookup = true
		}
	}
	return out
}
