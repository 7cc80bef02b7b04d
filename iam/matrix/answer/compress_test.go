package answer

import (
	"strings"
	"testing"
)

func TestCompress(t *testing.T) {
	all := []string{"CreateBucket", "DeleteBucket", "GetBucketAcl", "GetBucketPolicy", "GetObject", "GetObjectAcl", "ListBucket", "PutObject"}
	for _, c := range []struct{ name, set, want string }{
		{"everything", strings.Join(all, " "), "*"},
		{"a whole verb", "GetBucketAcl GetBucketPolicy GetObject GetObjectAcl", "Get*"},
		{"a part of a verb", "GetBucketAcl GetBucketPolicy GetObject", "GetBucket* GetObject"},
		{"single names", "CreateBucket PutObject", "CreateBucket PutObject"},
		{"a name that begins others", "GetObject GetObjectAcl", "GetObject*"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := map[string]bool{}
			for _, name := range strings.Fields(c.set) {
				set[name] = true
			}
			if got := strings.Join(compress(set, all), " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
