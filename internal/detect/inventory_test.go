package detect

import "testing"

func TestInventoryKnowsAResourceByAnyOfItsNames(t *testing.T) {
	inv := Inventory{
		"bucket":    {"org-audit-logs"},
		"key":       {"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
		"topic":     {"arn:aws:sns:eu-west-1:111122223333:alerts"},
		"trail":     {"org-trail"},
		"log-group": {"arn:aws:logs:eu-west-1:111122223333:log-group:/org/cloudtrail:*"},
	}
	tests := []struct {
		name, kind, resource string
		want                 bool
	}{
		{"a bucket by name", "bucket", "org-audit-logs", true},
		{"another bucket", "bucket", "org-audit-logs-2", false},
		{"a key by its ID", "key", "1234abcd-12ab-34cd-56ef-1234567890ab", true},
		{"a trail by its ARN", "trail", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/org-trail", true},
		{"a topic by its subscription", "topic", "arn:aws:sns:eu-west-1:111122223333:alerts:0e1f-77", true},
		{"a topic of the same name elsewhere", "topic", "arn:aws:sns:eu-west-1:999999999999:alerts", false},
		{"a log group by name", "log-group", "/org/cloudtrail", true},
		{"a log group that ends alike", "log-group", "/other/cloudtrail", false},
		{"an empty name", "bucket", "", false},
		{"a kind that is not listed", "rule", "org-trail", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := inv.has(tt.kind, tt.resource); got != tt.want {
				t.Errorf("has(%s, %s): got %v, want %v", tt.kind, tt.resource, got, tt.want)
			}
		})
	}
}
