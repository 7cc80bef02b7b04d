package inventory

import "testing"

func TestIndexKnowsAResourceByAnyOfItsNames(t *testing.T) {
	x := NewIndex(List{
		"bucket":    {"org-audit-logs"},
		"key":       {"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
		"topic":     {"arn:aws:sns:eu-west-1:111122223333:alerts"},
		"trail":     {"org-trail"},
		"log-group": {"arn:aws:logs:eu-west-1:111122223333:log-group:/org/cloudtrail:*"},
	})
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
			if got := x.Has(tt.kind, tt.resource); got != tt.want {
				t.Errorf("Has(%s, %s): got %v, want %v", tt.kind, tt.resource, got, tt.want)
			}
		})
	}
}

func TestLearn(t *testing.T) {
	const created = `{"requestParameters":{"name":"t","s3BucketName":"b","kmsKeyId":"alias/k"},"responseElements":{"trailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/t","snsTopicARN":"arn:aws:sns:eu-west-1:111122223333:s"}}`
	var x Index
	x.Learn("DescribeTrails", []byte(created))
	if x.Len() != 0 {
		t.Errorf("a call that sets nothing up taught %d names, want none", x.Len())
	}
	x.Learn("CreateTrail", []byte(created))
	for kind, name := range map[string]string{"trail": "t", "bucket": "b", "key": "k", "topic": "s"} {
		if !x.Has(kind, name) {
			t.Errorf("%s %s was not learnt", kind, name)
		}
	}
	x.Learn("UpdateTrail", []byte(`{"requestParameters":"omitted"}`))
}

func TestCheckNamesTheKind(t *testing.T) {
	if err := (List{"buckets": {"b"}}).Check(); err == nil {
		t.Error("a misspelt kind passes, want an error that names it")
	}
}
