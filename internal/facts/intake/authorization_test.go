package intake_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/facts/intake"
)

// What escalation depends on beside the default versions of policies.
func TestOtherVersionsAndInstanceProfilesAreKept(t *testing.T) {
	const details = `{"RoleDetailList": [{"RoleName": "app", "Arn": "arn:aws:iam::111122223333:role/app",
	  "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}},
	  "InstanceProfileList": [{"Arn": "arn:aws:iam::111122223333:instance-profile/app"}]}],
	 "Policies": [{"Arn": "arn:aws:iam::111122223333:policy/p", "DefaultVersionId": "v2", "PolicyVersionList": [
	  {"VersionId": "v1", "Document": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}},
	  {"VersionId": "v2", "IsDefaultVersion": true, "Document": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}},
	  {"VersionId": "v3", "Document": {"Statement": 1}}]}]}`
	in := intake.New(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
	if err := in.Add(strings.NewReader(details), "details.json", time.Time{}); err != nil {
		t.Fatal(err)
	}
	s := in.Snapshot()
	if got := s.Facts.Roles[0].Profiles; !slices.Equal(got, []string{"arn:aws:iam::111122223333:instance-profile/app"}) {
		t.Errorf("instance profiles: got %v", got)
	}
	p := s.Facts.Policies[0]
	if len(p.Versions) != 2 || p.Versions[0].Name != "v1" || !strings.Contains(p.Versions[0].Text, `"*"`) || !strings.Contains(p.Document.Text, "s3:GetObject") {
		t.Errorf("versions: got %+v", p)
	}
	if p.Versions[1].Text != "" || len(s.Gaps) != 1 || s.Gaps[0].Path != "policies.other_versions" || s.Gaps[0].Resource != p.ARN {
		t.Errorf("a version that is no policy: got %+v with gaps %v, want a gap", p.Versions[1], s.Gaps)
	}
}
