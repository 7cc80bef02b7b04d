// Package simtest has a simulated organization ready for tests and benchmarks of what
// reads it.
package simtest

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/scenario"
)

// Role is the role that scans enter in each account.
const Role = "RootkeepReadOnly"

// Organization is a generated one.
type Organization struct {
	*cloud.Cloud
	Plan *scenario.Plan
	Keys map[string]*cloud.AccessKey // of administrators, by the names of their accounts
}

// New makes an organization. Its credential reports are there, so that nobody waits for
// them and they say the same all the time. Its trail writes no digest files, which take
// seconds of RSA.
func New(accounts int) (*Organization, error) {
	c, err := awssim.New(cloud.Config{Clock: time.Now, Seed: 1})
	if err != nil {
		return nil, err
	}
	plan, err := scenario.Generate(accounts, 1)
	if err != nil {
		return nil, err
	}
	for _, call := range plan.Calls {
		if call.Operation == "CreateTrail" {
			call.With["EnableLogFileValidation"] = false
		}
	}
	keys, err := plan.Apply(c)
	if err != nil {
		return nil, err
	}
	for _, a := range c.Accounts() {
		for range 3 { // the third call finds it complete
			if _, err := c.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: "us-east-1", Service: "iam", Operation: "GenerateCredentialReport"}); err != nil {
				return nil, err
			}
		}
	}
	c.ResetRequests()
	return &Organization{c, plan, keys}, nil
}

// Start makes an organization for a test, in whose environment are its endpoint and the
// keys of the management account's administrator. through may look at each request.
func Start(t *testing.T, accounts int, through func(http.Handler) http.Handler) *Organization {
	t.Helper()
	o, err := New(accounts)
	if err != nil {
		t.Fatal(err)
	}
	var h http.Handler = o.Cloud
	if through != nil {
		h = through(h)
	}
	Environment(t, h, o.Keys["management"].ID, o.Keys["management"].Secret, "")
	return o
}

// Environment is all that a process finds: the simulator, these keys, nothing else.
func Environment(t *testing.T, h http.Handler, key, secret, token string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token, "AWS_REGION": "us-east-1",
		"AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

// ID is the number of an account by its name.
func (o *Organization) ID(name string) rootkeep.AccountID {
	return o.Plan.Accounts[slices.IndexFunc(o.Plan.Accounts, func(a scenario.Account) bool { return a.Name == name })].ID
}

// IDs are the numbers of all accounts, the management account's first.
func (o *Organization) IDs() []rootkeep.AccountID {
	var out []rootkeep.AccountID
	for _, a := range o.Plan.Accounts {
		out = append(out, a.ID)
	}
	return out
}
