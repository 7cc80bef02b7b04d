package awsread

import (
	"slices"
	"testing"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
)

// An operation that needs another comes after it, so that the rounds end, and both are
// asked in every Region, so that a Region that fails is unknown for both; or both are
// about elements of one list, so that an element that fails is.
func TestWhatAnOperationNeedsComesFirst(t *testing.T) {
	all := Operations()
	chained := 0
	for i, o := range all {
		if o.Needs == "" {
			continue
		}
		chained++
		j := slices.IndexFunc(all, func(n call.Operation) bool { return n.Action == o.Needs })
		alike := j >= 0 && (all[j].Regional && o.Regional || all[j].Of != nil)
		if j < 0 || j >= i || !alike || o.Of == nil {
			t.Errorf("%s needs %s, at %d of %d", o.Action, o.Needs, j, i)
		}
	}
	asked := 0
	for n, round := range rounds() {
		for _, o := range round {
			asked++
			if n == 0 && slices.ContainsFunc(all, func(x call.Operation) bool { return x.Action == o.Needs && x.Of != nil }) {
				t.Errorf("%s is in the first round, and %s is not read yet", o.Action, o.Needs)
			}
		}
	}
	if want := len(slices.DeleteFunc(Operations(), func(o call.Operation) bool { return o.Of == nil })); asked != want || chained == 0 {
		t.Errorf("rounds: got %d operations, want %d", asked, want)
	}
}

func TestFailuresSpreadToWhatNeedsThem(t *testing.T) {
	const listDetectors, describeHub, listDevices, getDevice = "guardduty:ListDetectors", "securityhub:DescribeHub", "iam:ListMFADevices", "iam:GetMFADevice"
	region := call.Operation{Action: "guardduty:GetDetector", Regional: true, Needs: listDetectors}
	wide := call.Operation{Action: "securityhub:GetFindingAggregator", Regional: true, Needs: describeHub}
	for _, c := range []struct {
		name  string
		o     call.Operation
		about []*task
		want  []string // keys of the failures that the operation gets
	}{
		{"facts of a Region are unknown in that Region", region, nil, []string{"eu-west-1"}},
		{"also if others are asked", region, []*task{{}}, []string{"eu-west-1"}},
		{"facts of the account are unknown if nobody can be asked", wide, nil, []string{""}},
		{"and known if somebody can", wide, []*task{{}}, nil},
		{"of a user whose devices are not known", call.Operation{Action: getDevice, Needs: listDevices}, []*task{{}}, []string{"ann"}},
		{"an operation that needs none", call.Operation{Action: "guardduty:GetDetector"}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &failures{}
			for _, lost := range []string{listDetectors, describeHub} {
				f.put(failure{call: lost, action: lost, why: "denied", key: "eu-west-1"}, "eu-west-1")
			}
			f.put(failure{call: listDevices, action: listDevices, why: "denied", key: "ann"})
			f.spread(c.o, c.about)
			var got []string
			for _, x := range f.order[3:] {
				if x.call != c.o.Action || x.action != c.o.Needs {
					t.Errorf("got a failure of %s by %s", x.call, x.action)
				}
				got = append(got, x.key)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
