package disk

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// SQLite says that a file is read-only, also to those who only look into it.
func TestAFolderThatIsNotOursToWriteInIsNamedAsThat(t *testing.T) {
	t.Parallel()
	err := openError("crawl.db", errors.New("attempt to write a readonly database (1544)"))
	if !errors.Is(err, fs.ErrPermission) || !strings.HasPrefix(err.Error(), "crawl.db: permission denied: ") || strings.Contains(err.Error(), "1544") {
		t.Error(err)
	}
}
