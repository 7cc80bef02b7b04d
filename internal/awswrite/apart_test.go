package awswrite_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awswrite"
)

// simulated are the simulator's operations by the names that the tables have for them.
func simulated(t *testing.T) map[string]*cloud.Operation {
	t.Helper()
	c, err := awssim.New(cloud.Config{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*cloud.Operation{}
	for _, s := range c.Services() {
		for _, o := range s.Operations {
			out[s.Prefix+":"+o.Name] = o
			if name, ok := strings.CutSuffix(o.Name, "AccountPublicAccessBlock"); ok { // which is of the client for accounts
				out["s3control:"+name+"PublicAccessBlock"] = o
			}
		}
	}
	return out
}

// TestWhatReadsCannotWrite holds the two tables apart, by what a third says of each
// operation: the simulator, which knows what changes something.
func TestWhatReadsCannotWrite(t *testing.T) {
	sim, writes, asks := simulated(t), awswrite.Operations(), ask.Operations()
	for _, name := range slices.Concat(writes, asks) {
		o := sim[name]
		if o == nil {
			t.Errorf("%s: the simulator does not have it", name)
			continue
		}
		writing := slices.Contains(writes, name)
		if writing && slices.Contains(asks, name) {
			t.Errorf("%s: it is in both tables", name)
		}
		if writing == o.Read {
			t.Errorf("%s: the simulator says that it reads: %v", name, o.Read)
		}
		find := ask.Operation
		if writing {
			find = awswrite.Operation
		}
		d, ok := find(name)
		switch {
		case !ok || d.Writes != writing || d.Accepts == nil:
			t.Errorf("%s: got %+v, %v", name, d, ok)
		case name == "sts:GetCallerIdentity" && len(d.Actions) != 0:
			t.Errorf("%s: got %v, want that nothing has to permit it", name, d.Actions)
		case name != "sts:GetCallerIdentity" && (len(d.Actions) == 0 || d.Actions[0] != o.Action):
			t.Errorf("%s: got that %v permit it, want %s first", name, d.Actions, o.Action)
		}
	}
	for _, o := range awsread.Operations() {
		if slices.Contains(writes, o.Action) {
			t.Errorf("a scan calls %s, which changes an account", o.Action)
		}
	}
}
