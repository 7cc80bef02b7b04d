package invoke

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// lowered are the types whose members have names that begin with a lower-case letter, and
// single members, in services where others do not. Source: the models of the services, as
// botocore has them.
var lowered = []string{
	"cloudtrail:DescribeTrailsInput", "cloudtrail:DescribeTrailsOutput",
	"config:ConfigExportDeliveryInfo", "config:ConfigSnapshotDeliveryProperties", "config:ConfigStreamDeliveryInfo", "config:ConfigurationRecorder",
	"config:ConfigurationRecorderStatus", "config:DeliveryChannel", "config:DeliveryChannelStatus", "config:ExclusionByResourceTypes",
	"config:RecordingGroup", "config:RecordingMode", "config:RecordingModeOverride", "config:RecordingStrategy",
	"events:CapacityProviderStrategyItem", "events:NetworkConfiguration.AwsvpcConfiguration", "events:PlacementConstraint", "events:PlacementStrategy",
	"sqs:CreateQueueInput.Tags",
}

// lower are the services all of whose members begin with a lower-case letter.
var lower = []string{"access-analyzer", "logs"}

// memberName is the name that AWS's API has for a field of a type of the SDK, which
// begins with an upper-case letter always.
func memberName(t reflect.Type, field string) string {
	s := service(t)
	name := s + ":" + t.Name()
	if slices.Contains(lower, s) || slices.Contains(lowered, name) || slices.Contains(lowered, name+"."+field) {
		return lowerFirst(field)
	}
	return field
}

func lowerFirst(s string) string {
	first := []rune(s)
	first[0] = unicode.ToLower(first[0])
	return string(first)
}

// members are the fields of a structure by the names of AWS's API, without what the SDK
// adds.
func members(t reflect.Type) map[string]int {
	out := map[string]int{}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			out[memberName(t, f.Name)] = i
		}
	}
	return out
}

// choiceName is the name of a member of a union, by its type: the SDK calls that
// UnionMemberName. "" is no member that is known.
func choiceName(union, member reflect.Type) string {
	name, ok := strings.CutPrefix(member.Name(), union.Name()+"Member")
	if !ok || name == "" {
		return ""
	}
	return memberName(member, name)
}
