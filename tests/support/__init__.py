"""What tests share: one bundle, one clip, real servers, the fakes of libraries that need a GPU."""
