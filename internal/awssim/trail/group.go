package trail

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/logs"
)

// deliverToGroup gives events to the trail's log group as its role lets CloudTrail. What
// cannot be delivered is lost to the group, and the trail's status says why.
//
// Source: CloudTrail User Guide, "Sending events to CloudWatch Logs" and "Role policy
// document for CloudTrail to use CloudWatch Logs for monitoring".
func (t *trail) deliverToGroup(c *cloud.Cloud, p place, records []json.RawMessage, now time.Time) {
	if t.CloudWatchLogsLogGroupArn == "" || len(records) == 0 {
		return
	}
	group := strings.TrimSuffix(t.CloudWatchLogsLogGroupArn, ":*")
	stream := string(p.account.ID) + "_CloudTrail_" + p.region
	if t.IsOrganizationTrail {
		stream = t.owner.OrganizationID() + "_" + stream
	}
	for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
		if !c.RoleMay(service, t.CloudWatchLogsRoleArn, action, cloud.Resource{ARN: group + ":log-stream:" + stream}) {
			t.groupFailure = "AccessDenied"
			return
		}
	}
	messages := make([][]byte, len(records))
	for i, r := range records {
		messages[i] = r
	}
	if !logs.Take(c, group, messages, now) {
		t.groupFailure = "ResourceNotFoundException"
		return
	}
	t.groupTime = now
}
