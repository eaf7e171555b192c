CREATE CHANGEFEED FOR TABLE shop.public.error_logs
  INTO 'kafka://kafka:9092'
  WITH format = 'avro', confluent_schema_registry = 'http://registry:8080/apis/ccompat/v7',
       updated, mvcc_timestamp, full_table_name, resolved = '5s', min_checkpoint_frequency = '5s';
